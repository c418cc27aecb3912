"""Wall clocks of replicas that can jump: see clock.c."""
import os
import shutil
import struct
import subprocess


class Clock:
    def __init__(self, folder, replicas):
        """:raise: OSError or CalledProcessError where the library cannot be built."""
        compiler = next(filter(None, map(shutil.which, ("clang", "cc", "gcc"))), "cc")
        library = f"{folder}/clock.so"
        subprocess.run([compiler, "-O2", "-shared", "-fPIC", "-o", library, "hack/attacks/clock.c"], check=True)
        self.folder = folder
        for replica in replicas:
            self.set(replica, 0)
            replica.environment |= {"LD_PRELOAD": library, "CLOCK_OFFSET": self.path(replica)}

    def path(self, replica):
        return f"{self.folder}/clock-{replica.name}"

    def set(self, replica, seconds):
        """In place, since the replica has the file in its memory."""
        descriptor = os.open(self.path(replica), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            os.pwrite(descriptor, struct.pack("=q", seconds), 0)
        finally:
            os.close(descriptor)
