"""The local page over all runs of a store: `tfx-pipeline ui`.

`server` answers requests, `access` decides who may ask, `store` finds pipelines and runs, and the
other modules each read what one page shows. All pages are made here, on the server.
"""
