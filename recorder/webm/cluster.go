package webm

import "encoding/binary"

// Clusters are rendered here and not through ebml-go: they are all that is written while a call runs, and this copies each frame once.

// clusterSizes marks an EBML size of four bytes.
const clusterSizes = 1 << 28

// appendCluster begins a cluster at that time; finishCluster fills in its size.
func appendCluster(b []byte, ms int64) []byte {
	b = append(b, idCluster...)
	b = append(b, 0, 0, 0, 0, 0xE7, 0x84)
	return binary.BigEndian.AppendUint32(b, uint32(ms))
}

func finishCluster(b []byte) {
	binary.BigEndian.PutUint32(b[len(idCluster):], clusterSizes|uint32(len(b)-len(idCluster)-4))
}

// appendBlock adds a SimpleBlock (Matroska §10) at a time from the cluster's.
func appendBlock(b []byte, block Block, ms int64, keyframe bool) []byte {
	const head = 4 // track, time, flags
	b = append(b, 0xA3)
	b = binary.BigEndian.AppendUint32(b, clusterSizes|uint32(head+len(block.Data)))
	b = append(b, 0x80|byte(block.Track))
	b = binary.BigEndian.AppendUint16(b, uint16(ms))
	if keyframe {
		b = append(b, 0x80)
	} else {
		b = append(b, 0)
	}
	return append(b, block.Data...)
}
