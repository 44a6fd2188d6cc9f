#!/bin/sh
# LERF-OVS, from the raw download to the means over its four scenes: mIoU, Acc@0.25 and Acc@0.5 of all texts.
#
#     sh scripts/lerf4.sh LERF_OVS OUT CLIP [options of gsseg batch]
#
# LERF_OVS holds figurines, ramen, teatime, waldo_kitchen and label; CLIP is the folder of the model of its masks' vectors,
# laion/CLIP-ViT-B-16-laion2B-s34B-b88K. Writes OUT.yaml and OUT/summary.md. Interrupted, the same command goes on.
set -eu
[ $# -ge 3 ] || { sed -n '2,7s/^# \{0,1\}//p' "$0" >&2; exit 2; }
absolute() { case $1 in /*) printf '%s' "$1" ;; *) printf '%s/%s' "$PWD" "$1" ;; esac; }
quoted() { printf "'%s'" "$(absolute "$1" | sed "s/'/''/g")"; }
out=$(absolute "$2")
mkdir -p "$(dirname "$out")"
cat > "$out.yaml" <<END
scenes: [figurines, ramen, teatime, waldo_kitchen]
values: {raw: $(quoted "$1"), clip: $(quoted "$3")}
prepare: lerf {raw}/{name} {scene} --link
splats: -s {scene} --test-views {scene}/gt/test_views.json
train: -s {scene} -m {run}
compress: -m {run} --language {scene}
eval: -m {run} --gt {scene}/gt --protocol lerf --clip {clip}
END
shift 3
exec gsseg batch "$out.yaml" --out "$out" "$@"
