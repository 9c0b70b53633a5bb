"""One file a version. A released version is never edited."""
