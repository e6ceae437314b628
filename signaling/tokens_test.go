package signaling

import "bytes"

var testKey = Key{ID: "k1", Secret: bytes.Repeat([]byte{7}, 32)}
