"""Instance masks: made from photos by a segmenter, taken from other tools' files, and looked over."""
