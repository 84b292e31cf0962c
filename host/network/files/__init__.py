"""Files of networks by kind: what reads them, and the runtime that they are compared with."""
