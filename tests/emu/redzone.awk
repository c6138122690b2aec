# redzone.awk: puts 64 bytes after each thread-local variable of assembler that g++ has written. Those are
# the shared variables of kernels (emu_device.h); the emulator knows that the gap belongs to nobody.
/^\t\.(section|text|data|bss)/ { shared = /\.tbss/ }
{ print }
shared && /^\t\.zero/ { print "\t.zero\t64" }
