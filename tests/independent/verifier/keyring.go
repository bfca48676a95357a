package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// docs/formats/checkpoint.md#the-keyring
const (
	ringBytesMax = 1024 * 1024
	ringKeysMax  = 128
)

type ringKey struct {
	first    uint64
	vkey     string
	verifier note.Verifier
}

// keyring has the keys of a log, the first one first, and the checkpoints with which all but the first took over.
type keyring struct {
	keys      []ringKey
	handovers []checkpoint
}

// trustedSet has the keys that count, each for the sizes that it signs.
type trustedSet struct {
	pinned []ringKey
	ring   *keyring
}

func (r *keyring) has(vkey string) bool {
	for _, key := range r.keys {
		if key.vkey == vkey {
			return true
		}
	}
	return false
}

// verifiers returns each key once: two with one name and id are ambiguous for the code of the Go team.
func (t trustedSet) verifiers() note.Verifiers {
	var all []note.Verifier
	if t.ring != nil {
		for _, key := range t.ring.keys {
			all = append(all, key.verifier)
		}
	}
	for _, key := range t.pinned {
		if t.ring == nil || !t.ring.has(key.vkey) {
			all = append(all, key.verifier)
		}
	}
	return note.VerifierList(all...)
}

func (t trustedSet) has(vkey string) bool {
	for _, key := range t.pinned {
		if key.vkey == vkey {
			return true
		}
	}
	return t.ring != nil && t.ring.has(vkey)
}

// signs says whether a signature counts under a checkpoint of so many records.
func (t trustedSet) signs(signature note.Signature, size uint64) bool {
	is := func(key ringKey) bool {
		return key.verifier.Name() == signature.Name && key.verifier.KeyHash() == signature.Hash
	}
	if t.ring != nil {
		for i, key := range t.ring.keys {
			if is(key) {
				return size >= key.first && (i == len(t.ring.keys)-1 || size < t.ring.keys[i+1].first)
			}
		}
	}
	for _, key := range t.pinned {
		if is(key) {
			return true
		}
	}
	return false
}

func readRingKey(first uint64, vkey string) (ringKey, error) {
	verifier, err := parseVerifier(vkey)
	return ringKey{first, vkey, verifier}, err
}

func openKeyring(file []byte) (*keyring, error) {
	if len(file) > ringBytesMax {
		return nil, fmt.Errorf("keyring too long")
	}
	parts := strings.Split(string(file), "\n\n")
	if len(parts)%2 != 0 || len(parts)/2 >= ringKeysMax {
		return nil, fmt.Errorf("not a keyring")
	}
	ring := &keyring{}
	for i := 0; i < len(parts); i += 2 {
		handover := parts[i] + "\n\n" + parts[i+1]
		if i+2 < len(parts) {
			handover += "\n"
		}
		if err := ring.add([]byte(handover), parts[i]+"\n"); err != nil {
			return nil, err
		}
	}
	return ring, nil
}

// add adds the next handover: the keys of the one before, and one more that takes over at its size and has signed, like the one before it.
func (r *keyring) add(handover []byte, text string) error {
	if signed, err := splitNote(handover); err != nil || signed != text {
		return fmt.Errorf("a handover is a note")
	}
	head, err := parseCheckpoint(text)
	if err != nil || !head.hasJournal {
		return fmt.Errorf("a handover is a checkpoint of a journal")
	}
	var keys []ringKey
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if len(lines) < 4 || !strings.HasPrefix(lines[3], "journal ") {
		return fmt.Errorf("a handover has its journal line first")
	}
	for _, line := range lines[4:] {
		words := strings.Split(line, " ")
		if len(words) != 3 || words[0] != "key" {
			return fmt.Errorf("a handover with another line than those of keys")
		}
		first, err := parseDecimal(words[1])
		if err != nil {
			return err
		}
		key, err := readRingKey(first, words[2])
		if err != nil {
			return err
		}
		keys = append(keys, key)
	}
	before := max(1, len(r.keys))
	if len(keys) != before+1 || keys[0].first != 0 {
		return fmt.Errorf("a handover does not add one key")
	}
	for i, known := range r.keys {
		if keys[i].first != known.first || keys[i].vkey != known.vkey {
			return fmt.Errorf("a handover changes what one before it says")
		}
	}
	next, previous := keys[before], keys[before-1]
	if next.first != head.size || next.first <= previous.first {
		return fmt.Errorf("a key takes over at another size")
	}
	for i, key := range keys {
		if key.verifier.Name() != head.origin || i < before && key.vkey == next.vkey {
			return fmt.Errorf("a key of another log, or twice")
		}
	}
	opened, err := note.Open(handover, note.VerifierList(previous.verifier, next.verifier))
	if err != nil || len(opened.Sigs) != 2 {
		return fmt.Errorf("not signed by both keys")
	}
	r.keys, r.handovers = keys, append(r.handovers, head)
	return nil
}

func isBeginning(shorter, longer *keyring) bool {
	for i, key := range shorter.keys {
		if i >= len(longer.keys) || key.first != longer.keys[i].first || key.vkey != longer.keys[i].vkey {
			return false
		}
	}
	return true
}

// given is what the caller trusts: a key, a keyring, or both.
type given struct{ vkey, ringPath string }

func (g given) isEmpty() bool { return g.vkey == "" && g.ringPath == "" }

// trustedKeys returns the keys that count: those given, otherwise that of the file, and those of the keyrings that have them.
func trustedKeys(own, ownRing []byte, g given, found *findings) trustedSet {
	var set trustedSet
	var rings []*keyring
	if g.ringPath != "" {
		file, err := os.ReadFile(g.ringPath)
		if err != nil {
			panic(err)
		}
		ring, err := openKeyring(file)
		if err != nil {
			panic(err)
		}
		rings = append(rings, ring)
		if g.vkey == "" {
			set.pinned = append(set.pinned, ring.keys[len(ring.keys)-1])
		}
	}
	if g.vkey != "" {
		key, err := readRingKey(0, g.vkey)
		if err != nil {
			panic(err)
		}
		set.pinned = append(set.pinned, key)
	}
	var ownKey *ringKey
	if own != nil {
		if key, err := readRingKey(0, string(bytes.TrimSuffix(own, []byte("\n")))); err != nil {
			found.add(malformed, "log/key: %v", err)
		} else {
			ownKey = &key
		}
	}
	if ownKey != nil && g.isEmpty() {
		set.pinned = append(set.pinned, *ownKey)
	}
	if ownRing != nil {
		if ring, err := openKeyring(ownRing); err != nil {
			found.add(malformed, "keyring: %v", err)
		} else if len(rings) > 0 && len(rings[0].keys) < len(ring.keys) {
			rings = []*keyring{ring, rings[0]}
		} else {
			rings = append(rings, ring)
		}
	}
	for _, ring := range rings {
		set.join(ring, found)
	}
	if ownKey != nil && !set.has(ownKey.vkey) {
		found.add(trust, "log/key: not a trusted key")
	}
	return set
}

// join takes up a keyring that has all pinned keys of its log, or is the beginning of the one that it has.
func (t *trustedSet) join(ring *keyring, found *findings) {
	if t.ring != nil {
		if !isBeginning(ring, t.ring) {
			found.add(trust, "a keyring of another history")
		}
		return
	}
	ofLog := 0
	for _, key := range t.pinned {
		if key.verifier.Name() != ring.keys[0].verifier.Name() {
			continue
		}
		ofLog++
		if !ring.has(key.vkey) {
			ofLog = -len(t.pinned)
		}
	}
	if ofLog <= 0 {
		found.add(trust, "a trusted key is not in the keyring")
		return
	}
	t.ring = ring
}
