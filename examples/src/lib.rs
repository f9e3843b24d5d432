//! Runnable examples; see the `[[example]]` entries of the manifest.
