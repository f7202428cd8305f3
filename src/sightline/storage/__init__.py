"""Where things lie: files that appear whole, the workspace's folder, and the catalogue's engine."""
