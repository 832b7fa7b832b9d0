"""The kinds of gateways, one module each, all behind `adapter.Adapter`."""
