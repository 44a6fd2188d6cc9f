"""From photos or a video alone to a SCENE folder with cameras and sparse points: structure from motion, by COLMAP."""
