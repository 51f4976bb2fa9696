import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # `imports` is what several tests read the tree with

# One thread for each test process, and for what it starts: small convolutions on contended threads were
# measured to be 20 to 250 times slower than on one.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")
