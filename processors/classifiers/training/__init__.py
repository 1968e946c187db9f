"""`govwire train`: the model that this package ships, made again from published weights and our own labelled passages.

Needs the extra: pip install 'govwire[train]'. Same source, data and date: same files.
"""
