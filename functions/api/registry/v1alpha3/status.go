package v1alpha3

import "encoding/json"

// MarshalJSON writes a list of no caches as [], which readers of a status get in place of null.
func (s RegistryStatus) MarshalJSON() ([]byte, error) {
	type plain RegistryStatus // without this method
	if s.Caches == nil {
		s.Caches = []RegistryCacheStatus{}
	}
	return json.Marshal(plain(s))
}
