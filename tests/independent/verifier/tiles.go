package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

const tileHeight = 8

// tilePath is the path of C2SP tlog-tiles: that of the Go team without the height.
func tilePath(tile tlog.Tile) string {
	return strings.Replace(tile.Path(), fmt.Sprintf("tile/%d/", tileHeight), "tile/", 1)
}

func parseTilePath(path string) (tlog.Tile, error) {
	return tlog.ParseTilePath(strings.Replace(path, "tile/", fmt.Sprintf("tile/%d/", tileHeight), 1))
}

// checkTiles compares each file of tiles with the hashes of the log, and looks for those of the published checkpoint.
func (s *store) checkTiles(directory string) {
	root := filepath.Join(directory, "log")
	widest := map[string]int{}
	filepath.WalkDir(filepath.Join(root, "tile"), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return nil
		}
		relative, _ := filepath.Rel(root, path)
		tile, err := parseTilePath(filepath.ToSlash(relative))
		if err != nil || tilePath(tile) != filepath.ToSlash(relative) {
			return nil
		}
		full := tile
		full.W = 1 << tileHeight
		widest[tilePath(full)] = max(widest[tilePath(full)], tile.W)
		s.checkTile(path, tile)
		return nil
	})
	if s.published == nil {
		return
	}
	for _, tile := range tlog.NewTiles(tileHeight, 0, int64(s.published.size)) {
		full := tile
		full.W = 1 << tileHeight
		if widest[tilePath(full)] < tile.W {
			s.found.add(completeness, "%s is missing", tilePath(tile))
		}
	}
}

func (s *store) checkTile(path string, tile tlog.Tile) {
	expected, err := tlog.ReadTileData(tile, s)
	if err != nil {
		s.found.add(completeness, "%s: tile of leaves that the journal does not have", tilePath(tile))
		return
	}
	read, err := os.ReadFile(path)
	switch {
	case err != nil:
		s.found.add(malformed, "%v", err)
	case len(read) < len(expected):
		s.found.add(completeness, "%s is cut short", tilePath(tile))
	case !bytes.Equal(read, expected):
		s.found.add(integrity, "%s does not hold the hashes of the log", tilePath(tile))
	}
}
