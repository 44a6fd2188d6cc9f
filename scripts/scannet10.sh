#!/bin/sh
# The ten scans of OpenGaussian's tables, from raw downloads to the means: classes and instances.
#
#     sh scripts/scannet10.sh SCANS OUT MASKS CLIP [options of gsseg batch]
#
# SCANS holds a folder a scan (.sens, mesh, labels, segments); MASKS is the folder of a SAM or SAM 2, CLIP that of a CLIP
# model. Writes OUT.yaml and OUT/summary.md. Interrupted, the same command goes on.
set -eu
[ $# -ge 4 ] || { sed -n '2,7s/^# \{0,1\}//p' "$0" >&2; exit 2; }
absolute() { case $1 in /*) printf '%s' "$1" ;; *) printf '%s/%s' "$PWD" "$1" ;; esac; }
quoted() { printf "'%s'" "$(absolute "$1" | sed "s/'/''/g")"; }
out=$(absolute "$2")
mkdir -p "$(dirname "$out")"
cat > "$out.yaml" <<END
scenes: [scene0000_00, scene0062_00, scene0070_00, scene0097_00, scene0140_00,
         scene0200_00, scene0347_00, scene0400_00, scene0590_00, scene0645_00]
values: {scans: $(quoted "$1"), masks: $(quoted "$3"), clip: $(quoted "$4")}
prepare: scannet {scans}/{name} {scene} --every 20 --downscale 2
splats: -s {scene} --freeze-points
masks: -s {scene} --model {masks}
train: -s {scene} -m {run}
compress: -m {run} --clip {clip}
eval:
  instances: -m {run} --gt {scene}/gt --protocol scannet-instance
  classes: -m {run} --gt {scene}/gt --protocol scannet --clip {clip}
END
shift 4
exec gsseg batch "$out.yaml" --out "$out" "$@"
