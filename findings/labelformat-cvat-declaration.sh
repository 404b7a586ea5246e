#!/usr/bin/env bash
# labelformat 0.1.17: its CVAT reader refuses the files that CVAT writes, for their first line.
#
# CVAT's "CVAT for images 1.1" export begins with an XML declaration that names the encoding. labelformat reads the
# file as text and hands the text on through pydantic-xml to lxml, which takes no text with such a declaration. The
# same file without its first line is read. So one has to strip a line that the XML standard recommends, and the
# message speaks of "Unicode strings", not of the file.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet labelformat==0.1.17 pydantic-xml==2.20.0 lxml==6.1.3
cat > "$work/body" <<'XML'
<annotations><version>1.1</version><meta><task><labels><label><name>cat</name></label></labels></task></meta>
<image id="0" name="a.jpg" width="100" height="80">
<box label="cat" occluded="0" xtl="10.00" ytl="10.00" xbr="30.00" ybr="30.00" z_order="0"/></image></annotations>
XML
{ echo '<?xml version="1.0" encoding="utf-8"?>'; cat "$work/body"; } > "$work/as-written.xml"
"$work/venv/bin/python" - "$work" <<'PY'
import sys
from importlib.metadata import version
from pathlib import Path

from labelformat.formats.cvat import CVATObjectDetectionInput

work = Path(sys.argv[1])
print("labelformat", version("labelformat"), "| pydantic-xml", version("pydantic-xml"), "| lxml", version("lxml"))
without = list(CVATObjectDetectionInput(input_file=work / "body").get_labels())
print("without the declaration:", len(without[0].objects), "box read")
assert len(without[0].objects) == 1, "the plain file is not read any more"
try:
    CVATObjectDetectionInput(input_file=work / "as-written.xml")
except ValueError as refused:
    print("with it:", str(refused).replace(str(work), "."))
    assert "encoding declaration" in str(refused), "it is refused for another reason now"
else:
    raise SystemExit("the declaration is taken now")
print("as described: the line that CVAT writes is what is refused")
PY
