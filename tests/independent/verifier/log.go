package main

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"slices"

	"golang.org/x/mod/sumdb/tlog"
)

const heartbeatGapMsMax = 90_000

// A session is followed with this many of the newest secrets that it announced.
const announcedMax = 64

type session struct {
	next     uint64
	previous [32]byte
	epoch    uint32
	// The classes and days of its secrets, the newest first. It is nil where they are not known.
	secrets []secretPlaces
}

type classDay struct {
	class uint16
	day   uint32
}

// secretPlaces says under which class and day the two secrets of a session are kept.
type secretPlaces struct{ meta, content classDay }

// logCheck checks the leaves one after the other: sessions, epochs, heartbeats, clear bodies, erasures.
type logCheck struct {
	found         *findings
	gateway       [8]byte
	segmentEpoch  uint32
	sealed        *summary
	entered, size uint64
	sessions      map[[16]byte]*session
	closed        map[[16]byte]bool
	own           map[[16]byte]bool
	ownSession    [16]byte
	epoch         uint32
	isClosed      bool
	opens         int
	heartbeatMs   uint64
	lastMs        uint64
	sawSession    bool
	intents       map[uint64]bool
	// The keys that records must announce and have not, by the index of the record.
	signers map[uint64]string
}

func newLogCheck(found *findings) *logCheck {
	return &logCheck{found: found, sessions: map[[16]byte]*session{}, closed: map[[16]byte]bool{}, own: map[[16]byte]bool{}, intents: map[uint64]bool{}, signers: map[uint64]string{}}
}

func (c *logCheck) enter(gateway [8]byte, epoch uint32, before *summary) {
	c.gateway, c.segmentEpoch, c.sealed, c.entered = gateway, epoch, before, c.size
}

func (c *logCheck) requireSeal() {
	if c.sealed != nil && c.size > c.entered {
		c.found.add(completeness, "the seal of segment %d is missing", c.sealed.segment)
	}
}

func later(is bool) int {
	if is {
		return completeness
	}
	return integrity
}

// add checks the next entry. False: the log cannot be followed behind it.
func (c *logCheck) add(entry []byte, index uint64, where string) bool {
	l, fault := readLeaf(entry[:leafBytes])
	if fault != "" {
		c.found.add(malformed, "%s: %s", where, fault)
		return false
	}
	if l.index != index {
		c.found.add(later(l.index > index), "%s: leaf with log index %d in place of %d", where, l.index, index)
		return false
	}
	name := fmt.Sprintf("leaf %d", index)
	if l.gateway != c.gateway || l.epoch != c.segmentEpoch {
		c.found.add(integrity, "%s is of another gateway or epoch than its segment", name)
	}
	clear := c.checkBodies(l, entry, name)
	c.checkEpoch(l, clear, name)
	c.checkSession(l, entry, clear, name)
	c.size = index + 1
	return true
}

// checkBodies checks that the bodies are those that the flags name, and returns the clear one if it matches its commitment.
func (c *logCheck) checkBodies(l leaf, entry []byte, name string) []byte {
	metaBytes, contentBytes := binary.BigEndian.Uint32(entry[164:]), binary.BigEndian.Uint32(entry[180:])
	isClear, hasMeta := l.flags&flagClear != 0, l.flags&flagMeta != 0
	isSealed := hasMeta && !isClear
	if isSealed != (entry[168] != 0) || l.storesContent() != (entry[184] != 0) || !hasMeta && metaBytes != 0 || !l.storesContent() && contentBytes != 0 {
		c.found.add(integrity, "%s: stored bodies do not fit the flags", name)
	}
	if isSealed && l.metaClass == 0 || l.storesContent() && l.contentClass == 0 {
		c.found.add(retention, "%s: sealed body of no class", name)
	}
	if !isClear {
		return nil
	}
	body := entry[entryHeaderBytes : entryHeaderBytes+metaBytes]
	if commitClear(body) != l.metaCommit {
		c.found.add(integrity, "%s: clear body does not match its commitment", name)
		return nil
	}
	return body
}

func (c *logCheck) checkEpoch(l leaf, clear []byte, name string) {
	if l.epoch != c.epoch || l.kind == kindEpoch {
		c.beginEpoch(l, clear, name)
		return
	}
	if c.isClosed {
		c.found.add(integrity, "%s: record after the gateway was stopped", name)
	}
	from := l.timeMs
	if l.kind == kindPause && clear != nil {
		if body, err := readBody(l.kind, clear); err != nil {
			c.found.add(malformed, "%s: %v", name, err)
		} else if number(body, "to") != l.timeMs || number(body, "from") < c.lastMs {
			c.found.add(integrity, "%s: a pause that the records around it contradict", name)
		} else {
			from = number(body, "from")
		}
	}
	if from > c.heartbeatMs+heartbeatGapMsMax {
		c.found.add(completeness, "%s: no heartbeat for %d ms before it", name, from-c.heartbeatMs)
		c.heartbeatMs = l.timeMs
	}
	c.lastMs = l.timeMs
	switch l.kind {
	case kindHeartbeat, kindPause:
		c.heartbeatMs = l.timeMs
	case kindOpen:
		c.opens++
		c.sawSession = true
	case kindClose:
		c.isClosed = c.isClosed || l.session == c.ownSession
	}
}

func (c *logCheck) beginEpoch(l leaf, clear []byte, name string) {
	if l.kind != kindEpoch {
		c.found.add(completeness, "%s: epoch %d begins without its record", name, l.epoch)
	} else if l.epoch == c.epoch {
		c.found.add(integrity, "%s: epoch %d begins twice", name, l.epoch)
	} else if clear != nil {
		c.checkEpochBody(l, clear, name)
	}
	c.epoch, c.ownSession, c.isClosed, c.opens = l.epoch, l.session, false, 0
	c.own[l.session] = true
	c.heartbeatMs, c.lastMs = l.timeMs, l.timeMs
}

func (c *logCheck) checkEpochBody(l leaf, clear []byte, name string) {
	body, err := readBody(l.kind, clear)
	if err != nil {
		c.found.add(malformed, "%s: %v", name, err)
		return
	}
	if number(body, "epoch") != uint64(l.epoch) {
		c.found.add(integrity, "%s: body and leaf name different epochs", name)
	}
	before, isClean := uint64(0), false
	if previous, isObject := body["previous"].(object); isObject {
		for _, member := range []string{"epoch", "sessionsLeftOpen", "requestsWithoutOutcome", "tornBytes"} {
			if !isCount(previous.values[member]) {
				c.found.add(malformed, "%s: epoch without a proper \"previous\"", name)
				return
			}
		}
		before = number(previous.values, "epoch")
		isClean, _ = previous.values["clean"].(bool)
	}
	if before != uint64(c.epoch) {
		c.found.add(later(before > uint64(c.epoch)), "%s: follows epoch %d, but here %d", name, before, c.epoch)
	} else if isClean && !c.isClosed {
		c.found.add(completeness, "%s: the end of the epoch before is missing", name)
	}
}

func (c *logCheck) checkSession(l leaf, entry []byte, clear []byte, name string) {
	begins := l.kind == kindOpen || l.kind == kindEpoch
	if c.closed[l.session] {
		c.found.add(integrity, "%s: record of a session that was closed", name)
		return
	}
	known := c.sessions[l.session]
	switch {
	case known == nil:
		if l.seq != 0 || !begins {
			c.found.add(completeness, "%s: session without its first record", name)
		}
		known = &session{}
		c.sessions[l.session] = known
	case l.seq != known.next:
		c.found.add(later(l.seq > known.next), "%s: record %d of its session, not %d", name, l.seq, known.next)
	case begins:
		c.found.add(integrity, "%s: session that opens twice", name)
	case l.previous != known.previous:
		c.found.add(integrity, "%s: does not follow the leaf before it in its session", name)
	}
	known.next, known.previous, known.epoch = l.seq+1, tlog.RecordHash(entry[:leafBytes]), l.epoch
	if clear != nil && l.kind != kindEpoch && l.kind != kindPause {
		c.checkClear(l, clear, name)
	}
	c.checkSecrets(known, l, entry, clear, name)
	if l.kind == kindClose {
		delete(c.sessions, l.session)
		c.closed[l.session] = true
	}
}

// checkSecrets notes secrets that a session announces, and checks that its sealed bodies are of a class and day of one of them.
func (c *logCheck) checkSecrets(s *session, l leaf, entry, clear []byte, name string) {
	if l.kind == kindOpen || l.kind == kindEpoch || l.kind == kindSecrets {
		if body, err := readBody(l.kind, clear); clear != nil && err == nil && body["key"] != nil {
			s.announce(body, l.kind != kindSecrets)
		}
	}
	isAnnounced := func(stream byte, class uint16, day uint32) bool {
		return stream == 0 || slices.ContainsFunc(s.secrets, func(places secretPlaces) bool {
			if stream == 1 {
				return places.meta == classDay{class, day}
			}
			return places.content == classDay{class, day}
		})
	}
	if s.secrets != nil && !(isAnnounced(entry[168], l.metaClass, l.metaDay) && isAnnounced(entry[184], l.contentClass, l.contentDay)) {
		c.found.add(integrity, "%s: its body is of a class or day for which its session has no secrets", name)
		s.secrets = nil
	}
}

func (s *session) announce(body map[string]any, isFirst bool) {
	meta, hasMeta := readClassDay(body["meta"])
	content, hasContent := readClassDay(body["content"])
	if !hasMeta || !hasContent || !isFirst && s.secrets == nil {
		s.secrets = nil
		return
	}
	before := s.secrets
	if isFirst {
		before = nil
	}
	s.secrets = append([]secretPlaces{{meta, content}}, before...)
	s.secrets = s.secrets[:min(len(s.secrets), announcedMax)]
}

func readClassDay(value any) (classDay, bool) {
	list, _ := value.([]any)
	if len(list) != 2 {
		return classDay{}, false
	}
	class, _ := count(list[0])
	day, _ := count(list[1])
	// A number that no leaf can have is that of no body.
	if class > math.MaxUint16 || day > math.MaxUint32 {
		return classDay{}, true
	}
	return classDay{uint16(class), uint32(day)}, true
}

func (c *logCheck) checkClear(l leaf, clear []byte, name string) {
	body, err := readBody(l.kind, clear)
	if err != nil {
		c.found.add(malformed, "%s: %v", name, err)
		return
	}
	switch l.kind {
	case kindSigner:
		if c.signers[l.index] == body["vkey"] {
			delete(c.signers, l.index)
		}
	case kindClose:
		if number(body, "records") != l.seq+1 {
			c.found.add(integrity, "%s: close with the count %d at record %d", name, number(body, "records"), l.seq)
		}
	case kindSeal:
		chain, _ := hex.DecodeString(body["chain"].(string))
		s := c.sealed
		if s == nil || number(body, "segment") != s.segment || number(body, "bytes") != s.bytes || number(body, "first") != s.first ||
			number(body, "records") != s.records || !bytes.Equal(chain, s.chain[:]) {
			c.found.add(integrity, "%s: the seal does not fit the segment before", name)
		}
		c.sealed = nil
	}
}

func (c *logCheck) finish() {
	for id, each := range c.sessions {
		isLeft := each.epoch < c.epoch && c.opens > 0
		if !c.own[id] && (c.isClosed || isLeft) {
			c.found.add(completeness, "session %x was left open by epoch %d", id, each.epoch)
		}
	}
}
