//! Full-duplex RPC over raw TCP.
