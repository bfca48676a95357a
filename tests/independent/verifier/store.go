package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strconv"

	"golang.org/x/mod/sumdb/tlog"
)

// docs/formats/journal.md
const (
	segmentMagic       = "CSSEGv1\n"
	segmentHeaderBytes = 128
	segmentBytesMax    = 64 * 1024 * 1024
	frameMagic         = "CSJF"
	frameHeaderBytes   = 32
	frameBodyBytesMax  = 16 * 1024 * 1024
	entryHeaderBytes   = 196
	frameBatch         = 1
	frameCheckpoint    = 2
)

var segmentFile = regexp.MustCompile(`^([0-9]{12})\.segment$`)

type store struct {
	found     *findings
	keys      trustedSet
	published *checkpoint
	// The checkpoints that the journal must fulfil: the published one, and the handovers.
	awaited []*awaited
	gateway string
	epoch   uint32
	chain   [32]byte
	// The hashes of all subtrees, in the order of tlog.StoredHashIndex.
	hashes []tlog.Hash
	size   uint64
	log    *logCheck
	end    struct {
		segment, offset uint64
	}
	lastNote    []byte
	isNoteLast  bool
	isSigned    bool
	zerosFollow bool
	before      *summary
}

// awaited is a checkpoint from outside the journal, and whether the journal has its root and its place.
type awaited struct {
	checkpoint
	where             string
	sawRoot, sawPlace bool
}

// summary is what a seal says of a segment.
type summary struct {
	segment, bytes, first, records uint64
	chain                          [32]byte
}

func (s *store) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	read := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		if index >= int64(len(s.hashes)) {
			return nil, fmt.Errorf("no hash %d", index)
		}
		read[i] = s.hashes[index]
	}
	return read, nil
}

func (s *store) root() tlog.Hash {
	root, err := tlog.TreeHash(int64(s.size), s)
	if err != nil {
		panic(err)
	}
	return root
}

func readFile(path string, found *findings) []byte {
	read, err := os.ReadFile(path)
	if err != nil && !os.IsNotExist(err) {
		found.add(malformed, "%v", err)
	}
	if err != nil {
		return nil
	}
	return read
}

func verifyStore(directory string, g given, found *findings) {
	key := readFile(filepath.Join(directory, "log", "key"), found)
	published := readFile(filepath.Join(directory, "log", "checkpoint"), found)
	segments := segmentsIn(filepath.Join(directory, "journal"))
	if key == nil && published == nil && len(segments) == 0 {
		found.add(malformed, "not a store")
		return
	}
	if key == nil {
		found.add(completeness, "log/key is missing")
	}
	ring := readFile(filepath.Join(directory, "log", "keys"), found)
	s := &store{found: found, keys: trustedKeys(key, ring, g, found)}
	s.log = newLogCheck(found)
	if published != nil {
		s.published = openCheckpoint(published, "log/checkpoint", s.keys, found)
	}
	if s.published != nil {
		s.awaited = append(s.awaited, &awaited{checkpoint: *s.published, where: "log/checkpoint"})
	}
	if s.keys.ring != nil {
		for i, handover := range s.keys.ring.handovers {
			s.awaited = append(s.awaited, &awaited{checkpoint: handover, where: "log/keys"})
			s.log.signers[handover.size-1] = s.keys.ring.keys[i+1].vkey
		}
	}
	s.see(0, 0)
	for i, number := range segments {
		if number != uint64(i+1) {
			found.add(completeness, "segment %d is missing", i+1)
			return
		}
		if !s.follow(filepath.Join(directory, "journal", fmt.Sprintf("%012d.segment", number)), number, i == len(segments)-1) {
			if s.published == nil && !s.isSigned {
				found.add(trust, "no checkpoint is signed by a trusted key")
			}
			return
		}
	}
	s.finish(directory, published)
}

func segmentsIn(directory string) []uint64 {
	var numbers []uint64
	entries, _ := os.ReadDir(directory)
	for _, entry := range entries {
		if parts := segmentFile.FindStringSubmatch(entry.Name()); parts != nil {
			if number, _ := strconv.ParseUint(parts[1], 10, 64); number > 0 {
				numbers = append(numbers, number)
			}
		}
	}
	sort.Slice(numbers, func(i, j int) bool { return numbers[i] < numbers[j] })
	return numbers
}

func isZeros(b []byte) bool {
	return len(bytes.Trim(b, "\x00")) == 0
}

// follow reads one segment. False: nothing behind it can be followed.
func (s *store) follow(path string, number uint64, isLast bool) bool {
	file, err := os.ReadFile(path)
	if err != nil {
		s.found.add(malformed, "%v", err)
		return false
	}
	name := filepath.Base(path)
	if len(file) > segmentBytesMax {
		s.found.add(malformed, "%s is too long", name)
		return false
	}
	head := file[:min(len(file), segmentHeaderBytes)]
	if isLast && isZeros(head) {
		s.end.segment, s.end.offset = number, 0
		return true
	}
	if len(head) < segmentHeaderBytes {
		s.found.add(completeness, "%s is cut short", name)
		return false
	}
	chain := sha256.Sum256(head[:96])
	if !bytes.Equal(chain[:], head[96:]) {
		s.found.add(integrity, "%s: the header does not have its chain value", name)
		return false
	}
	be := binary.BigEndian
	named, first, created, epoch := be.Uint64(head[16:]), be.Uint64(head[24:]), be.Uint64(head[32:]), be.Uint32(head[40:])
	if string(head[:8]) != segmentMagic || !isZeros(head[44:64]) || named == 0 || named > numberMax || first > numberMax || created > numberMax || epoch == 0 {
		s.found.add(malformed, "%s: not the header of a segment", name)
		return false
	}
	gateway := hex.EncodeToString(head[8:16])
	switch {
	case named != number:
		s.found.add(integrity, "%s holds segment %d", name, named)
		return false
	case first > s.size:
		s.found.add(completeness, "%s begins at log index %d", name, first)
		return false
	case first < s.size, !bytes.Equal(head[64:96], s.chain[:]):
		s.found.add(integrity, "%s does not follow the segment before", name)
		return false
	case s.gateway != "" && (gateway != s.gateway || epoch < s.epoch):
		s.found.add(integrity, "%s is of another gateway or an earlier epoch", name)
		return false
	}
	if epoch == s.epoch || s.log.isClosed {
		s.log.requireSeal()
	}
	s.gateway, s.epoch, s.chain = gateway, epoch, chain
	s.log.enter([8]byte(head[8:16]), epoch, s.before)
	return s.followFrames(file, number, first, isLast, name)
}

func (s *store) followFrames(file []byte, number, first uint64, isLast bool, name string) bool {
	at := segmentHeaderBytes
	for {
		s.see(number, uint64(at))
		length, state := s.frame(file, at)
		if state != "" {
			s.end.segment, s.end.offset = number, uint64(at)
			if s.lastNote != nil && !s.isSigned {
				s.isSigned = openCheckpoint(s.lastNote, name, s.keys, s.found) != nil
			}
			s.before = &summary{number, uint64(at), first, s.size - first, s.chain}
			return s.judge(file, at, state, isLast, name)
		}
		if s.zerosFollow {
			s.found.add(integrity, "%s: the segment before goes on behind its last frame", name)
			s.zerosFollow = false
		}
		if !s.addFrame(file[at:at+length], number, uint64(at), name) {
			return false
		}
		at += length
	}
}

// frame returns the length of the frame at an offset, or how the frames end there.
func (s *store) frame(file []byte, at int) (int, string) {
	rest := len(file) - at
	if rest == 0 {
		return 0, "clean"
	}
	if isZeros(file[at:]) {
		return 0, "zeros"
	}
	if rest < frameHeaderBytes+32 {
		return 0, "cut"
	}
	length, durable, isFrame := frameLength(file[at:])
	if !isFrame || durable > uint64(at) {
		return 0, "damaged"
	}
	if length > rest {
		return 0, "cut"
	}
	if !hasChain(file, at, length) {
		return 0, "damaged"
	}
	return length, ""
}

func frameLength(b []byte) (length int, durable uint64, isFrame bool) {
	be := binary.BigEndian
	kind, bodyBytes, entries := b[4], be.Uint32(b[8:]), be.Uint32(b[12:])
	durable = be.Uint64(b[24:])
	isFrame = string(b[:4]) == frameMagic && isZeros(b[5:8]) && bodyBytes > 0 && bodyBytes <= frameBodyBytesMax && uint64(entries)*entryHeaderBytes <= uint64(bodyBytes) &&
		(kind == frameBatch && entries > 0 || kind == frameCheckpoint && entries == 0) && be.Uint64(b[16:]) <= numberMax && durable <= numberMax
	padded := (int(bodyBytes) + 7) &^ 7
	return frameHeaderBytes + padded + 32, durable, isFrame
}

// hasChain says whether a frame has its chain value, and zeros as its padding. The input begins with the 32 bytes before the frame.
func hasChain(file []byte, at, length int) bool {
	chainAt := at + length - 32
	chain := sha256.Sum256(file[at-32 : chainAt])
	bodyEnd := at + frameHeaderBytes + int(binary.BigEndian.Uint32(file[at+8:]))
	return bytes.Equal(chain[:], file[chainAt:chainAt+32]) && isZeros(file[bodyEnd:chainAt])
}

// durableBehind returns the highest durable offset that a whole frame behind damage names; -1: there is none.
func durableBehind(file []byte, end int) int64 {
	highest := int64(-1)
	for at := end + 32; at+frameHeaderBytes+32 <= len(file); at += 8 {
		length, durable, isFrame := frameLength(file[at:])
		if isFrame && durable <= uint64(at) && at+length <= len(file) && hasChain(file, at, length) {
			highest = max(highest, int64(durable))
		}
	}
	return highest
}

// judge says what the end of a segment's frames means.
func (s *store) judge(file []byte, at int, state string, isLast bool, name string) bool {
	if isLast && s.log.isClosed {
		s.log.requireSeal()
	}
	if state == "clean" {
		return true
	}
	if state == "zeros" {
		s.zerosFollow = !isLast
		return true
	}
	behind := durableBehind(file, at)
	if isLast {
		isNamed, coversAll := false, false
		for _, one := range s.awaited {
			isNamed = isNamed || one.segment > s.end.segment || one.segment == s.end.segment && one.offset > uint64(at)
			coversAll = coversAll || one.size == s.size
		}
		isStopped := s.log.isClosed && (s.isNoteLast || coversAll)
		if !isStopped && !isNamed && behind <= int64(at) {
			return true
		}
	}
	code := integrity
	if state == "cut" && behind < 0 {
		code = completeness
	}
	s.found.add(code, "%s offset %d: %s", name, at, state)
	return isLast
}

// see compares the awaited checkpoints with the journal at a frame boundary.
func (s *store) see(segment, offset uint64) {
	for _, one := range s.awaited {
		if one.size == s.size && !one.sawRoot {
			one.sawRoot = true
			if s.root() != one.root {
				s.found.add(integrity, "%s: not the root of the log at its size", one.where)
			}
		}
		if one.segment == segment && one.offset == offset {
			one.sawPlace = true
			if one.chain != s.chain || one.size != s.size {
				s.found.add(integrity, "%s: not the chain value or size of the journal there", one.where)
			}
		}
	}
}

func (s *store) addFrame(frame []byte, segment, offset uint64, name string) bool {
	be := binary.BigEndian
	bodyBytes, entries, index := be.Uint32(frame[8:]), be.Uint32(frame[12:]), be.Uint64(frame[16:])
	body := frame[frameHeaderBytes : frameHeaderBytes+bodyBytes]
	where := fmt.Sprintf("%s offset %d", name, offset)
	s.isNoteLast = frame[4] == frameCheckpoint
	if s.isNoteLast {
		s.lastNote, s.isSigned = body, false
		s.addNote(body, segment, offset, index, where)
	} else if !s.addBatch(body, entries, index, where) {
		return false
	}
	copy(s.chain[:], frame[len(frame)-32:])
	return true
}

func (s *store) addNote(body []byte, segment, offset, index uint64, where string) {
	text, err := splitNote(body)
	if err != nil {
		s.found.add(malformed, "%s: %v", where, err)
		return
	}
	expected := fmt.Sprintf("countersign/%s\n%d\n%s\njournal %d %d %s\n", s.gateway, s.size, s.root(), segment, offset, tlog.Hash(s.chain))
	if text != expected || index != s.size {
		s.found.add(integrity, "%s: the checkpoint does not fit the journal before it", where)
	}
}

func (s *store) addBatch(body []byte, entries uint32, index uint64, where string) bool {
	if index != s.size {
		code := integrity
		if index > s.size {
			code = completeness
		}
		s.found.add(code, "%s: batch begins at log index %d, not %d", where, index, s.size)
		return false
	}
	at := 0
	for range entries {
		length := entryLength(body[at:])
		if length < 0 {
			s.found.add(malformed, "%s: malformed entry", where)
			return false
		}
		if !s.log.add(body[at:at+length], s.size, where) {
			return false
		}
		hashes, err := tlog.StoredHashesForRecordHash(int64(s.size), tlog.RecordHash(body[at:at+leafBytes]), s)
		if err != nil {
			panic(err)
		}
		s.hashes = append(s.hashes, hashes...)
		s.size++
		at += length
	}
	if at != len(body) {
		s.found.add(integrity, "%s: bytes behind the last entry", where)
		return false
	}
	return true
}

// entryLength returns -1 for what is no entry.
func entryLength(b []byte) int {
	if len(b) < entryHeaderBytes {
		return -1
	}
	length := entryHeaderBytes
	for _, at := range []int{164, 180} {
		stream, encoding, position := b[at+4], b[at+5], binary.BigEndian.Uint64(b[at+8:])
		if stream > 2 || encoding > 3 || b[at+6] != 0 || b[at+7] != 0 || position > numberMax || position%16 != 0 || stream == 0 && (position != 0 || encoding != 0) {
			return -1
		}
		length += int(binary.BigEndian.Uint32(b[at:]))
	}
	if length > len(b) {
		return -1
	}
	return length
}

func (s *store) finish(directory string, published []byte) {
	found := s.found
	s.log.finish()
	if published == nil && (s.log.sawSession || s.log.isClosed) {
		found.add(completeness, "log/checkpoint is missing")
	}
	if s.log.isClosed && published != nil {
		note := s.lastNote
		if !s.isNoteLast {
			note = nil
		}
		if note == nil && s.published != nil && s.published.size == s.size {
			found.add(completeness, "the checkpoint frame of the clean stop is missing")
		} else if note != nil && !bytes.Equal(note, published) {
			code := integrity
			if s.published != nil && s.published.size < s.size {
				code = trust
			}
			found.add(code, "log/checkpoint is not the one that ends the journal")
		}
	}
	for _, one := range s.awaited {
		if one.sawRoot && one.sawPlace {
			continue
		}
		code := integrity
		beyond := one.segment > s.end.segment || one.segment == s.end.segment && one.offset > s.end.offset
		if beyond || one.size > s.size {
			code = completeness
		}
		found.add(code, "%s: the journal does not have its place", one.where)
	}
	for index := range s.log.signers {
		if index < s.size {
			found.add(integrity, "log/keys: record %d does not announce the key", index)
		}
	}
	if s.published == nil && !s.isSigned {
		found.add(trust, "no checkpoint is signed by a trusted key")
	}
	s.checkTiles(directory)
}
