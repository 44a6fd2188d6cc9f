"""Which device a command takes, and what it says where it cannot have one."""

import sys

import pytest
import torch
from torch.utils import cpp_extension

from gsseg.cli import device as device_option
from gsseg.cli.device import calculates_on, renders_on
from gsseg.cli.main import main
from gsseg.cli.output import Output
from gsseg.errors import InputError
from gsseg.render.gsplat_kernels import Problem, gpu_problem, kernels_problem

PROBLEM = Problem("gsplat has no compiled kernels", "install the CUDA toolkit")


@pytest.fixture
def card(monkeypatch):
    """A function (problem): from now on there is a GPU, and this is what keeps it from being used."""

    def there(problem: Problem | None) -> None:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
        monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "A Card")
        for name in ("gsplat_problem", "gpu_problem"):
            monkeypatch.setattr(device_option, name, lambda: problem)

    return there


@pytest.fixture
def fresh_backend(monkeypatch):
    """gsplat's module that compiles its kernels, about to be imported for the first time."""
    monkeypatch.delitem(sys.modules, "gsplat.cuda._backend", raising=False)


@pytest.mark.parametrize("choose", [renders_on, calculates_on])
def test_auto_takes_a_gpu_that_can_be_used_and_says_which(card, capsys, choose):
    card(None)
    assert choose("auto", Output()).type == "cuda"
    assert capsys.readouterr().out == "device: A Card\n"
    assert choose("cpu", Output()).type == "cpu"
    assert capsys.readouterr().out == ""


def test_auto_without_a_usable_gpu_is_the_processor_and_says_why(card, capsys, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert renders_on("auto", Output()).type == "cpu"
    assert capsys.readouterr().out == ""
    card(PROBLEM)
    assert renders_on("auto", Output()).type == "cpu"
    assert capsys.readouterr().out == f"device: the processor, because {PROBLEM.what}: {PROBLEM.remedy}\n"


def test_a_gpu_that_is_asked_for_and_cannot_be_used_is_one_line(card):
    card(PROBLEM)
    with pytest.raises(InputError, match=r"^--device cuda: gsplat has no compiled kernels; install the CUDA toolkit$"):
        renders_on("cuda", Output())


def test_commands_refuse_a_gpu_that_is_not_there_before_they_begin(finished_run, monkeypatch, capsys):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    for command in (["view", "-m", str(finished_run), "--port", "0"], ["bench", "--quick"]):
        assert main([*command, "--device", "cuda"]) == 2
        said = capsys.readouterr()
        assert said.err.startswith("gsseg: error: --device cuda: PyTorch finds no CUDA GPU; give --device cpu")
        assert said.err.count("\n") == 1
        assert said.out == ""


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_gsplat_without_a_toolkit_is_told_before_it_fails(fresh_backend, monkeypatch, capsys):
    monkeypatch.setattr(cpp_extension, "_find_cuda_home", lambda: None)
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    problem = kernels_problem()
    assert problem is not None
    assert problem.what == "gsplat has no compiled kernels"
    assert problem.remedy == ("install the CUDA toolkit 13.0 with nvcc, and a C++ compiler, or give --device cpu")
    assert capsys.readouterr().out == "", "what gsplat prints does not get among the results"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_compiler_that_fails_is_one_line(fresh_backend, monkeypatch, tmp_path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "nvcc").touch()
    monkeypatch.setattr(cpp_extension, "_find_cuda_home", lambda: str(tmp_path))
    monkeypatch.setenv("TORCH_EXTENSIONS_DIR", str(tmp_path))

    def broken(*_, **__):
        raise RuntimeError("Error building extension 'gsplat_cuda': [1/29] nvcc\nmany\nlines")

    monkeypatch.setattr(cpp_extension, "_jit_compile", broken)
    problem = kernels_problem()
    assert problem is not None
    assert problem.what == "gsplat's kernels cannot be built (Error building extension 'gsplat_cuda': [1/29] nvcc)"


def test_a_card_that_fails_at_the_first_touch_is_told(monkeypatch):
    if torch.cuda.is_available():
        pytest.skip("this machine's GPU does not fail")
    problem = gpu_problem()
    assert problem is not None
    assert problem.what == "PyTorch finds no CUDA GPU"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    problem = gpu_problem()
    assert problem is not None
    assert problem.what.startswith("the GPU cannot be used (")
