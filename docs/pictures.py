"""The pictures of the README, made from real runs: ``python docs/pictures.py``.

It takes some minutes. The same version on the same kind of machine makes the same bytes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

HERE = Path(__file__).parent
IMAGES = HERE / "images"
COLOURS = 96


def hottest_exit(place: Path) -> Path:
    """Draw the fullest exit over the day that the README prints."""
    return _figure("china169-2017", "hottest_exit", place)


def load_map(place: Path) -> Path:
    """Draw how full every link is when the cable TPE has been cut."""
    return _figure("tpe-cut", "load_map", place)


def plan_steps(place: Path) -> Path:
    """Draw what has to be ordered on the small network, with a controller and without."""
    import numpy as np

    import simulator as sim
    from simulator.figures.style import save

    scenario = sim.load("mini").with_strategies(["igp", "sdn-ideal"])
    answer = sim.plan(scenario, upgrades={"periods": {"count": 2, "months": 12}})
    axes = answer.figures["plan_steps"]()
    return save(np.atleast_1d(axes)[0].figure, place / "plan_steps.png", "png")


PICTURES: dict[str, Callable[[Path], Path]] = {
    "hottest-exit.png": hottest_exit,
    "load-map.png": load_map,
    "plan-steps.png": plan_steps,
}
"""Names of the files, and what makes each."""


def small(file: Path) -> bytes:
    """Return a picture in few colours, which is a fraction of its size and looks the same."""
    from io import BytesIO

    from PIL import Image

    held = BytesIO()
    with Image.open(file) as picture:
        few = picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
        few.save(held, "PNG", optimize=True)
    return held.getvalue()


def _figure(scenario: str, name: str, place: Path) -> Path:
    import simulator as sim
    from simulator.figures.plotter import write_figures

    (file,) = write_figures(sim.run(sim.load(scenario)), place, names=[name], asked=True)
    return file


def main() -> None:
    """Make all pictures anew."""
    import matplotlib

    matplotlib.use("Agg")
    sys.path.insert(0, str(HERE.parent))
    for name, make in PICTURES.items():
        with TemporaryDirectory() as folder:
            made = small(make(Path(folder)))
        file = IMAGES / name
        if not file.exists() or file.read_bytes() != made:
            file.write_bytes(made)
            print(f"{name}: renewed")


if __name__ == "__main__":
    main()
