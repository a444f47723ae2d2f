"""Documents -> tokens.

A document goes through the modules in this order: `corpus` lists files and `readers` turn them into `documents`, those of
`json_records` and `parquet_records` among them; `split` decides which are held out; `tokenizer` encodes them; `prepare`
does all this and writes `shards` into a data folder (`fineweb` fetches one that is published, by way of `hub` and
`published`); `dataset` opens the folder, `foreign_shards` checks one that was made elsewhere; `batches` draws training
sequences from it.
"""
