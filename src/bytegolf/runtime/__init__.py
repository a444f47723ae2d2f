"""Control of this process (device, threads, signals, progress) and communication with the run's other processes."""
