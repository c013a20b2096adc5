"""`mianshen policies schema`: the JSON Schemas that editors complete and check with."""

from __future__ import annotations

import json

from engine.installation import Installation
from notifier.console.tables import console
from policies.editor_schema import catalog_overlay_schema, catalog_schema
from policies.errors import SettingsError
from policies.schema import bundle_schema, json_schema, overlay_schema


def print_schema(installation: Installation, *, overlay: bool, bundle: bool, catalog: bool) -> None:
    """Print one schema as JSON; `catalog` adds what the catalog and the library know, which bundles always have.

    Raises:
        SettingsError: more than one kind of file was asked for.
    """
    if bundle + (overlay or catalog) > 1:
        raise SettingsError.of(
            "several-schemas",
            "--bundle 不能与 --overlay、--catalog 同时给",
            "--bundle goes with neither --overlay nor --catalog",
            help_zh="每种文件一个 Schema,分别打印",
            help_en="every kind of file has a schema of its own: print them one by one",
        )
    vocabulary = installation.catalog.vocabulary
    if overlay and catalog:
        schema = catalog_overlay_schema(vocabulary, installation.library.policies)
    elif overlay:
        schema = overlay_schema()
    elif bundle:
        schema = bundle_schema(tuple(vocabulary.events), tuple(installation.library.policies))
    elif catalog:
        schema = catalog_schema(vocabulary, tuple(installation.library.policies))
    else:
        schema = json_schema(vocabulary)
    # As it stands, so that it can be sent to a file: no colour, no wrapping.
    console.file.write(json.dumps(schema, ensure_ascii=False, indent=2) + "\n")
