"""What this machine computes in: decided here, for every engine."""

import os

from midlevel import errors
from midlevel.system import runtime

PRECISIONS = ("f32", "bf16", "f16")
# Of oneDNN's ONEDNN_MAX_CPU_ISA, which caps both engines, those without bfloat16;
# AVX2_VNNI_2 has it on some processors alone:
# https://uxlfoundation.github.io/oneDNN/dev_guide_cpu_dispatcher_control.html
CAPS = ("ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA")  # the second is its older name
WITHOUT_BF16 = (
    *("SSE41", "AVX", "AVX2", "AVX2_VNNI", "AVX2_VNNI_2"),
    *("AVX512_CORE", "AVX512_CORE_VNNI"),
)


def check(engine: str, precision: str, device: str):
    """Refuse what would run wrongly, only slowly, or not at all.

    Raises:
        errors.MidlevelError: the engine does not compute in that precision here.
    """
    if precision == "f32":  # everywhere; nothing is loaded to know it
        return
    fits = precisions(engine, device)
    if precision not in fits:
        raise errors.MidlevelError(
            f"The engine {engine} on the {device} computes in {' or '.join(fits)} "
            f"here. Received: precision {precision}. Choose --precision f32, or to "
            "train --set precision=f32."
        )


def precisions(engine: str, device: str) -> tuple[str, ...]:
    """Those in which the engine computes rightly and fast on the device."""
    if device == "GPU":
        return PRECISIONS
    # TensorFlow on a CPU gets no bf16: with AVX2 alone it is wrong and does not say so.
    return ("f32", "bf16") if engine == "openvino" and has_bf16() else ("f32",)


def has_bf16() -> bool:
    """Whether the CPU has bfloat16 instructions, and this process may use them.

    OpenVINO is asked, which knows processors of every kind; its answer is of the
    processor, whatever the cap.
    """
    cap = next(filter(None, map(os.environ.get, CAPS)), "")
    if cap.upper() in WITHOUT_BF16:
        return False
    core = runtime.load_openvino().Core()
    return "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
