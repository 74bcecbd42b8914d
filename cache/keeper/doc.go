// Package keeper makes room in the store of a pull-through cache before it is missing, lets content expire, and removes what
// distribution leaves behind. It knows every blob and every link: from a walk at start, which nobody waits for, and from
// what the driver says afterwards.
//
// It works on the file system itself, and asks the driver only for leave to remove a blob (store.Evictor). Whatever goes,
// goes whole and in such an order that it may be killed at any moment: first the links, then the blob. What is left then is
// a blob that nothing points to, which the next walk finds.
//
// Two things must survive a restart, and neither needs a file of its own: when a blob was last used is the modification time
// of its data file, which distribution never looks at, and when content expires is in distribution's scheduler-state.json.
package keeper
