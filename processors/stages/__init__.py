"""The stages, one file each. None knows another; `govwire.core.flow` says who reads what."""
