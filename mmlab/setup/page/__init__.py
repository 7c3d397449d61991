"""What the site's builder sends elsewhere: `mmlab_site.py` into the page, `compiled.py` into Pyodide under Node."""
