from guest.command import main
from guest.tiny import build

main("guest.tiny", "Build the tiny demo guest.", build)
