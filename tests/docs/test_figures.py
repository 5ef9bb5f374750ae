"""The guide's pictures: all are drawn from the committed results, small, and explained."""

import subprocess
import sys

import pytest
from matplotlib.image import imread
from matplotlib.testing.compare import compare_images

from rnnbench.report import drawings
from rnnbench.report.document import Figure

from .markdown import ROOT, anchors

PICTURES = ROOT / "docs" / "figures"
# Of 255, the root of the mean square over pixels; letters of another font are more than this.
DIFFERENCE = 3


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    place = tmp_path_factory.mktemp("figures")
    command = [sys.executable, str(ROOT / "docs" / "draw.py"), str(place)]
    subprocess.run(command, check=True, capture_output=True)
    return place


def test_the_pictures_are_what_the_results_give(drawn):
    names = {path.name for path in PICTURES.glob("*.png")}
    assert names == {path.name for path in drawn.glob("*.png")}
    for name in sorted(names):
        assert compare_images(str(PICTURES / name), str(drawn / name), DIFFERENCE) is None


def test_the_pictures_are_small_and_light():
    for path in PICTURES.glob("*.png"):
        assert path.stat().st_size < 200_000, path
        picture = imread(path)
        assert 1000 <= picture.shape[1] <= 1400, path
        assert picture[0, 0, :3].min() > 0.98 and picture[..., :3].mean() > 0.85, path


def test_each_figure_of_a_report_is_explained():
    figures = [found for found in vars(drawings).values() if isinstance(found, Figure)]
    assert len(figures) == 12
    published = {path.stem for path in (ROOT / "results" / "reference").glob("*.png")}
    assert published | {figure.name for figure in figures} <= anchors(ROOT / "docs" / "figures.md")
