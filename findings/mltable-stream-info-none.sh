#!/usr/bin/env bash
# mltable 1.7.0: a column converted to stream_info silently becomes None for the address form that
# Azure ML's own image datasets of version 1 use.
#
# `image_url` of JSON Lines for AutoML images is converted by `convert_column_types: stream_info`. Given
# `AmlDatastore://workspaceblobstore/a.jpg`, as version 1 of the service wrote it, the loader keeps the row and
# replaces the address by None: no error, no warning, and the number of rows is right. An https address in the
# next row of the same file comes back as a stream. So a training set can lose every image without a word.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet mltable==1.7.0 pandas==3.1.1
mkdir "$work/table"
cat > "$work/table/labels.jsonl" <<'JSON'
{"image_url": "AmlDatastore://workspaceblobstore/a.jpg", "label": "cat"}
{"image_url": "https://example.blob.core.windows.net/photos/b.jpg", "label": "dog"}
JSON
cat > "$work/table/MLTable" <<'YAML'
paths:
  - file: ./labels.jsonl
transformations:
  - read_json_lines:
      encoding: utf8
      invalid_lines: error
      include_path_column: false
  - convert_column_types:
      - columns: image_url
        column_type: stream_info
YAML
"$work/venv/bin/python" - "$work/table" <<'PY'
import sys
from importlib.metadata import version

import mltable

table = mltable.load(sys.argv[1]).to_pandas_dataframe()
first, second = table["image_url"]
print("mltable", version("mltable"))
print("rows:", len(table), "| labels:", list(table["label"]))
print("AmlDatastore:// ->", first)
print("https:// ->", second)
assert len(table) == 2, "a row was dropped"
assert first is None, "the old form is understood now"
assert second is not None, "https is no longer understood"
print("as described: the address is gone, the row is not")
PY
