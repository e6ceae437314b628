package load

import (
	"encoding/binary"
	"testing"
)

// FuzzControl reads what only the kernel writes, and still does not trust it.
func FuzzControl(f *testing.F) {
	size := binary.NativeEndian.AppendUint64(nil, 20)
	size = binary.NativeEndian.AppendUint32(size, 17)  // IPPROTO_UDP
	size = binary.NativeEndian.AppendUint32(size, 104) // UDP_GRO
	f.Add(binary.NativeEndian.AppendUint64(size, 1200))
	f.Add([]byte{1, 2, 3})
	f.Fuzz(func(_ *testing.T, b []byte) { control(b) })
}
