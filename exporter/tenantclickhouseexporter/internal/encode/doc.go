// Package encode turns pdata straight into blocks of ClickHouse's Native format,
// column by column, without a row in between.
//
//	encoder := encode.New(encode.Config{...})
//	encoder.Reset(batch)
//	err := encoder.AppendTraces(td) // any number of requests, of any signal
//	for _, block := range encoder.Blocks() {
//		// INSERT INTO block.Table (block.Columns) FORMAT Native, block.AppendNative(nil)
//	}
//	encoder.Commit() // once every block is stored
//
// A column only ever grows at its end, its dictionary too, so that what a request
// added to a block is a suffix of each buffer.
//
// The tenant of a row is read from the reserved attributes that the processor
// stamped on the resource. They become columns and are not stored as attributes.
package encode
