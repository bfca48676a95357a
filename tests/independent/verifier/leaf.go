package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
)

// docs/formats/leaf.md
const (
	leafBytes = 164

	kindOpen      = 1
	kindClose     = 2
	kindRequest   = 4
	kindResponse  = 5
	kindEpoch     = 32
	kindHeartbeat = 33
	kindSeal      = 34
	kindPolicy    = 36
	kindErasure   = 38
	kindPause     = 40
	kindSecrets   = 42
	kindSigner    = 44

	flagClear     = 1
	flagMeta      = 2
	flagContent   = 4
	flagContinues = 8
	flagFactsOnly = 16
)

// governance says of each known kind whether its meta is a clear body.
var governance = map[byte]bool{
	1: true, 2: true, 3: true, 4: false, 5: false, 6: false, 7: false, 8: false, 9: false, 10: true, 11: true, 12: false,
	32: true, 33: true, 34: true, 35: true, 36: true, 37: true, 38: true, 39: true, 40: true, 41: true, 42: true, 43: true, 44: true,
}

const numberMax = 1<<53 - 1

var zeros32 [32]byte

type leaf struct {
	kind                          byte
	flags                         uint16
	session                       [16]byte
	seq, timeMs, index            uint64
	gateway                       [8]byte
	epoch                         uint32
	metaClass, contentClass       uint16
	metaDay, contentDay           uint32
	previous, metaCommit, content [32]byte
}

// readLeaf returns the leaf, and what is wrong with it; nothing: "".
func readLeaf(b []byte) (leaf, string) {
	var l leaf
	if len(b) != leafBytes || b[0] != 1 {
		return l, "leaf of an unknown version"
	}
	be := binary.BigEndian
	l.kind, l.flags = b[1], be.Uint16(b[2:])
	copy(l.session[:], b[4:20])
	l.seq, l.timeMs, l.index = be.Uint64(b[20:]), be.Uint64(b[28:]), be.Uint64(b[48:])
	copy(l.gateway[:], b[36:44])
	l.epoch = be.Uint32(b[44:])
	l.metaClass, l.metaDay = be.Uint16(b[56:]), be.Uint32(b[58:])
	l.contentClass, l.contentDay = be.Uint16(b[62:]), be.Uint32(b[64:])
	copy(l.previous[:], b[68:100])
	copy(l.metaCommit[:], b[100:132])
	copy(l.content[:], b[132:164])
	isGovernance, isKnown := governance[l.kind]
	has := func(flag uint16) bool { return l.flags&flag != 0 }
	switch {
	case !isKnown:
		return l, "leaf of an unknown kind"
	case l.flags >= 32:
		return l, "leaf with unknown flags"
	case has(flagClear) != isGovernance, has(flagClear) && !has(flagMeta):
		return l, "clear meta does not fit the kind"
	case has(flagContinues) && l.kind != kindRequest && l.kind != kindResponse:
		return l, "CONTINUES does not fit the kind"
	case has(flagFactsOnly) && (has(flagClear) || l.contentClass != 0 || l.contentDay != 0):
		return l, "FACTS_ONLY does not fit the leaf"
	case l.seq > numberMax, l.timeMs > numberMax, l.index > numberMax:
		return l, "number out of range"
	case l.epoch == 0:
		return l, "epoch 0"
	case l.seq == 0 && l.previous != zeros32:
		return l, "first leaf of a session with a previous one"
	case !has(flagMeta) && l.metaCommit != zeros32, !has(flagContent) && l.content != zeros32:
		return l, "commitment to no body"
	}
	return l, ""
}

// storesContent says whether content is stored: with FACTS_ONLY it is not.
func (l leaf) storesContent() bool {
	return l.flags&flagContent != 0 && l.flags&flagFactsOnly == 0
}

func commitClear(body []byte) [32]byte {
	return sha256.Sum256(append([]byte{3}, body...))
}

func commitSealed(l leaf, slot byte, salt, plain []byte) [32]byte {
	var input bytes.Buffer
	input.WriteByte(2)
	input.WriteByte(slot)
	input.Write(l.session[:])
	binary.Write(&input, binary.BigEndian, l.seq)
	input.Write(salt)
	input.Write(plain)
	return sha256.Sum256(input.Bytes())
}
