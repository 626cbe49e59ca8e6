"""The parts of ``gpu.py``: what each measures, and the families at every size that they measure it on."""
