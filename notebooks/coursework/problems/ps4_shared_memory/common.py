"""What several parts of ps4 use."""

from mmlab import O_RDONLY


def rss_shmem(proc):
    """What /proc/PID/status says of RssShmem, in kB."""
    status = proc.pread(proc.open("/proc/self/status", O_RDONLY), 4096, 0)
    return int(status.partition(b"RssShmem:")[2].split()[0])
