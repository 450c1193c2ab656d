from guest.command import main
from guest.debian import build

main("guest.debian", "Build a Debian 12 cloud image.", build)
