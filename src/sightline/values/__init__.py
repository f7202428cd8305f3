"""What flows between the rooms: frozen dataclasses over numpy, without any input or output."""
