"""An encoder from images without labels: SimCLR (Chen et al. 2020), whose weights ``model.init`` takes."""
