"""The networks of SAM and SAM 2: tensors in, tensors out, without any state.

The files are the boxes of the paper's figure (Ravi et al. 2024, "SAM 2: Segment Anything in Images and Videos",
figure 3 and appendix D): `image_encoder` (with `hiera`), `prompt_encoder`, `mask_decoder` (with
`two_way_transformer`), `memory_attention`, `memory_encoder`; `network` combines them. Module attributes have the names
of the official checkpoints, so that a state dict needs no translation.

Letters in shapes:

    B  batch: images, or objects of one image       S  side of the square input, 1024 in the official networks
    C  width of the network, 256                    H, W  side of the embedding, S / 16
    N  prompt points of one object                  M  masks of one prediction: 1, 3 candidates, or 4 for both
    D  width of a memory, 64                        K  memory tokens, T  object pointers
"""
