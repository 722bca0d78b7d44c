"""Start the case's unit with PyPI's uvicorn, in /opt/venv."""
from start_unit import of_pypi

install, truth = of_pypi("uvicorn==0.54.0")
