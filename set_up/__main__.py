import sys

import bring

sys.exit(bring.command())
