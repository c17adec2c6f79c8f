"""CefMP4 beside what people would use instead: the same work, measured in the same run."""
