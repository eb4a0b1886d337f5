"""The pages' sources: they parse, find each other, and load nothing from elsewhere."""

import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest
from html.parser import HTMLParser

WEB = pathlib.Path(__file__).resolve().parents[2] / "web"
PAGES = sorted(WEB.glob("*.html"))
MODULES = sorted(WEB.rglob("*.js"))
SHEETS = sorted(WEB.rglob("*.css"))
# What an SVG has to name, and the standards do not load.
NAMESPACE = "http://www.w3.org/2000/svg"
IMPORT = re.compile(r"^(?:import|export)\b[^'\"]*?from\s+'([^']+)'|^import\s+'([^']+)'", re.M)


def without_comments(text):
    return re.sub(r"/\*.*?\*/", "", text, flags=re.S)


class Page(HTMLParser):
    """What a page has that matters here."""

    def __init__(self, path):
        super().__init__()
        self.ids, self.links, self.wrong, self.labelled = [], [], [], []
        self.attributes = []
        self.feed(path.read_text())

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.attributes.append((tag, found))
        if "id" in found:
            self.ids.append(found["id"])
        for name in ("src", "href", "action", "data", "poster"):
            if name in found and tag != "a":
                self.links.append(found[name])
            elif name in found:
                self.links.append(found[name].split("#")[0])
        for name in ("aria-labelledby", "aria-describedby", "for"):
            self.labelled += found.get(name, "").split()
        if tag == "style" or "style" in found or any(name.startswith("on") for name in found):
            self.wrong.append((tag, attributes))
        if tag == "script" and "src" not in found:
            self.wrong.append((tag, attributes))


class Sources(unittest.TestCase):
    def test_there_are_some(self):
        self.assertGreaterEqual(len(PAGES), 3)
        self.assertGreaterEqual(len(MODULES), 10)
        self.assertEqual(len(SHEETS), 1)

    def test_every_module_parses(self):
        node = shutil.which("node")
        self.assertIsNotNone(node, "needs node")
        with tempfile.TemporaryDirectory() as folder:
            # Older versions of node go by the name.
            copy = pathlib.Path(folder) / "module.mjs"
            for path in MODULES:
                shutil.copy(path, copy)
                done = subprocess.run([node, "--check", copy], capture_output=True, text=True,
                                      check=False)
                self.assertEqual(done.returncode, 0, f"{path}: {done.stderr}")

    def test_every_import_is_there_and_of_ours(self):
        for path in MODULES:
            for found in IMPORT.findall(path.read_text()):
                name = found[0] or found[1]
                self.assertTrue(name.startswith("."), f"{path} imports {name}")
                self.assertTrue((path.parent / name).is_file(), f"{path} imports {name}")

    def test_nothing_comes_from_elsewhere(self):
        for path in [*MODULES, *SHEETS]:
            text = without_comments(path.read_text()).replace(NAMESPACE, "")
            text = re.sub(r"^\s*//.*$", "", text, flags=re.M)
            self.assertNotRegex(text, r"(https?|wss?)://[a-z0-9]", path)
            self.assertNotRegex(text, r"@import|url\(\s*['\"]?//", path)
        for path in PAGES:
            for link in Page(path).links:
                self.assertNotRegex(link, r"^(\w+:|//)", path)

    def test_code_is_not_made_of_text(self):
        for path in MODULES:
            self.assertNotRegex(without_comments(path.read_text()),
                                r"\beval\(|new Function\(|innerHTML|outerHTML|document\.write", path)

    def test_no_script_or_style_is_inline(self):
        for path in PAGES:
            self.assertEqual(Page(path).wrong, [], path)

    def test_what_pages_refer_to_is_there(self):
        for path in PAGES:
            page = Page(path)
            self.assertEqual(len(page.ids), len(set(page.ids)), f"{path}: an id is there twice")
            for name in page.labelled:
                self.assertIn(name, page.ids, path)
            for link in page.links:
                if link not in ("", "./"):
                    self.assertTrue((WEB / link).is_file(), f"{path} links {link}")

    def test_pages_have_what_everybody_needs(self):
        for path in PAGES:
            page = Page(path)
            tags = [tag for tag, _ in page.attributes]
            self.assertIn(("html", {"lang": "en"}), page.attributes, path)
            self.assertEqual((tags.count("main"), tags.count("h1"), tags.count("title")), (1, 1, 1))
            self.assertIn(("a", {"class": "skip", "href": "#main"}), page.attributes, path)
            self.assertTrue(any(found.get("name") == "viewport" for _, found in page.attributes))

    def test_scripts_find_the_elements_that_they_ask_for(self):
        known = {name for path in PAGES for name in Page(path).ids}
        made = set()
        asked = {}
        for path in MODULES:
            text = path.read_text()
            made |= set(re.findall(r"\bid: '([\w-]+)'", text))
            for name in re.findall(r"byId\('([\w-]+)'\)", text):
                asked[name] = path
        for name, path in asked.items():
            self.assertIn(name, known | made, path)


if __name__ == "__main__":
    unittest.main()
