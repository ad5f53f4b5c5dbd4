"""How Sphinx builds these pages."""

import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "docs")]

from notebook_pages import write_pages  # noqa: E402

from simulator import __version__  # noqa: E402

project = "Telecom network capacity simulator"
author = "The simulator authors"
project_copyright = "The simulator authors, MIT licence"
release = version = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["build"]
html_theme = "furo"
html_title = "Telecom network capacity simulator"
html_copy_source = False
html_show_sphinx = False
html_theme_options = {"navigation_with_keys": True}

myst_heading_anchors = 4
myst_enable_extensions = ["colon_fence"]

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the docstrings say it
napoleon_google_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False


def setup(app):
    """Write the pages of the notebooks before Sphinx looks for its sources."""
    app.connect(
        "builder-inited", lambda _: write_pages(ROOT / "notebooks", ROOT / "docs" / "notebooks")
    )
