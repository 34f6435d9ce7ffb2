"""How the network runs: device and precision, fast paths of the CPU, and too little memory."""
