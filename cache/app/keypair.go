package app

import (
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/sirupsen/logrus"
)

// keyPairInterval is how often the files of a key pair are looked at, at most.
const keyPairInterval = time.Second

// keyPair is a certificate and its key, read again when their files change: who issues certificates renews them, and a
// restart for it would break pulls off.
type keyPair struct {
	certificate, key string

	mu      sync.Mutex
	current *tls.Certificate
	// files are those that current was read from.
	files  [2]os.FileInfo
	looked time.Time
	// said is the fault that was logged last.
	said string
}

// newKeyPair reads the files, which have to be right when the program starts.
func newKeyPair(certificate, key string) (*keyPair, error) {
	p := &keyPair{certificate: certificate, key: key}
	files, err := p.stat()
	if err != nil {
		return nil, err
	}
	return p, p.read(files)
}

// get returns what the files hold, for tls.Config.GetCertificate. While they are missing, or do not belong together, it is what
// they held before.
func (p *keyPair) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if time.Since(p.looked) < keyPairInterval {
		return p.current, nil
	}
	p.looked = time.Now()
	files, err := p.stat()
	if err == nil && p.same(files) {
		return p.current, nil
	}
	if err == nil {
		err = p.read(files)
	}
	p.say(err)
	return p.current, nil
}

// say logs what came of other files, a fault once.
func (p *keyPair) say(err error) {
	switch {
	case err == nil:
		p.said = ""
		logrus.Infof("took up the key pair in %s, valid until %s", p.certificate, p.validUntil())
	case err.Error() != p.said:
		p.said = err.Error()
		logrus.WithError(err).Warnf("the key pair of before stays in use, valid until %s", p.validUntil())
	}
}

// read takes the key pair up if it is one. A kubelet replaces both files at once, but between the reading of the one and of the
// other: that is no pair then, and the next look finds one.
func (p *keyPair) read(files [2]os.FileInfo) error {
	pair, err := tls.LoadX509KeyPair(p.certificate, p.key)
	if err != nil {
		return fmt.Errorf("reading key pair %s and %s: %w", p.certificate, p.key, err)
	}
	p.current, p.files = &pair, files
	return nil
}

func (p *keyPair) stat() (files [2]os.FileInfo, err error) {
	var errs [2]error
	files[0], errs[0] = os.Stat(p.certificate)
	files[1], errs[1] = os.Stat(p.key)
	return files, errors.Join(errs[:]...)
}

// same says whether the files are those that were read. The kubelet does not write into files, but makes others.
func (p *keyPair) same(files [2]os.FileInfo) bool {
	for i, file := range files {
		before := p.files[i]
		if !os.SameFile(before, file) || !before.ModTime().Equal(file.ModTime()) || before.Size() != file.Size() {
			return false
		}
	}
	return true
}

func (p *keyPair) validUntil() string { return p.current.Leaf.NotAfter.UTC().Format(time.RFC3339) }
