"""Writes locales/en/nodeDefs.json and every help page: python -m tools.languages.write"""

from __future__ import annotations

import json

from . import pages


def main() -> None:
    english = json.dumps(pages.english_defs(), ensure_ascii=False, indent=2) + "\n"
    (pages.LOCALES / "en" / "nodeDefs.json").write_text(english, encoding="utf-8")
    for language in pages.LANGUAGES:
        for node in pages.pack_nodes():
            path = pages.page_path(node, language)
            text = pages.page(node, language)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
