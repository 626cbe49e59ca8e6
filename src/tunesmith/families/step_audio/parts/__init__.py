"""The networks and front ends of Step-Audio-EditX, each reproducing its original on golden tensors."""
