"""The network of SAM 2: tensors in, tensors out; no session, no file, no thread.

The files are the boxes of the paper's figure (Ravi et al. 2024, "SAM 2: Segment Anything in Images and Videos",
figure 3 and appendix D): `image_encoder` (with `hiera`), `prompt_encoder`, `mask_decoder` (with
`two_way_transformer`), `memory_attention`, `memory_encoder`; `network` puts them together and has the verbs. Module
attributes carry the names of the official checkpoints, so a state dict needs no translation.

Shapes are written with these letters everywhere:

    B  batch: images, or objects of one image       S  side of the square input, 1024 for the official networks
    C  width of the network, 256                    H, W  side of the embedding, S / 16
    N  prompt points of one object                  M  masks of one prediction: 3 candidates or 1
    D  width of a memory, 64                        K  memory tokens, T  object pointers
"""
